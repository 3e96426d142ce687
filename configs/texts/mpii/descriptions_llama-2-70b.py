# The same by Llama 2 (appendix A.1), on a server of one's own: vllm serve meta-llama/Llama-2-70b-chat-hf
# The authors used Hugging Face's inference service, with Llama's template written out in the program.
_base_ = ['./descriptions_gpt-4.py']
llm = dict(model='meta-llama/Llama-2-70b-chat-hf', base_url='http://127.0.0.1:8000/v1')
