# Deconvolutions (Xiao et al. 2018) from a tower's feature map to heatmaps of 64 x 64; each doubles the size: two from
# the 16 x 16 of a ViT, three from the 8 x 8 of a ResNet.
vit_deconvs = dict(deconv_out_channels=(256, 256), deconv_kernel_sizes=(4, 4))
resnet_deconvs = dict(deconv_out_channels=(256, 256, 256), deconv_kernel_sizes=(4, 4, 4))
