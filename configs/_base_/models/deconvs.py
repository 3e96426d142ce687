# From a tower's last map to heatmaps of 64 x 64: two deconvolutions for the 16 x 16 of a ViT, three for the 8 x 8 of a
# ResNet (Xiao et al. 2018); each doubles the size.
vit_deconvs = dict(deconv_out_channels=(256, 256), deconv_kernel_sizes=(4, 4))
resnet_deconvs = dict(deconv_out_channels=(256, 256, 256), deconv_kernel_sizes=(4, 4, 4))
